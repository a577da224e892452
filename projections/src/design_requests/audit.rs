//! Who changed what when: in one request, and in all of them by user and time.

use kit::tables::{Column, Param, Query};

/// Who changed what in one request, when, and what it was before.
pub(super) const AUDIT: Query = Query {
    name: "audit",
    params: &[Param::text("request_id").key(), Param::text("field").or_none()],
    sql: "SELECT version, place, event_id, event_type, created_at, created_by, user_id, field,
                 old_value, new_value
          FROM (SELECT c.*, CASE WHEN c.field IS NOT NULL THEN lag(c.new_value)
                  OVER (PARTITION BY c.field ORDER BY c.version, c.place) END AS old_value
                FROM {design_request_changes} AS c WHERE c.request_id = $1) AS told
          WHERE (field IS NULL OR new_value IS DISTINCT FROM old_value)
            AND ($2 IS NULL OR field = $2)",
    columns: &[
        Column::int("version"),
        Column::int("place"),
        Column::text("event_id"),
        Column::text("event_type"),
        Column::time("created_at"),
        Column::text("created_by").or_null(),
        Column::text("user_id").or_null(),
        Column::text("field").or_null(),
        Column::json("old_value").or_null(),
        Column::json("new_value").or_null(),
    ],
    order: &["version", "place"],
};

/// Who changed what in whichever request: by a user, in a time, of a kind. What a field held before is
/// the row before of the same request.
pub(super) const CHANGES: Query = Query {
    name: "changes",
    params: &[
        Param::text("user_id").or_none(),
        Param::text("created_by").or_none(),
        Param::time("from").or_none(),
        Param::time("to").or_none(),
        Param::text("request_id").or_none(),
        Param::text("event_type").or_none(),
        Param::text("field").or_none(),
    ],
    sql: "SELECT * FROM (
            SELECT c.created_at, c.request_id, c.version, c.place, c.event_id, c.event_type,
                   c.created_by, c.user_id, c.field,
                   (SELECT b.new_value FROM {design_request_changes} AS b
                    WHERE b.request_id = c.request_id AND b.field = c.field
                      AND (b.version, b.place) < (c.version, c.place)
                    ORDER BY b.version DESC, b.place DESC LIMIT 1) AS old_value,
                   c.new_value
            FROM {design_request_changes} AS c
            WHERE TRUE [user_id? AND c.user_id = $1] [created_by? AND c.created_by = $2]
              [from? AND c.created_at >= $3] [to? AND c.created_at < $4]
              [request_id? AND c.request_id = $5] [event_type? AND c.event_type = $6]
              [field? AND c.field = $7]) AS told
          WHERE field IS NULL OR new_value IS DISTINCT FROM old_value",
    columns: &[
        Column::time("created_at"),
        Column::text("request_id"),
        Column::int("version"),
        Column::int("place"),
        Column::text("event_id"),
        Column::text("event_type"),
        Column::text("created_by").or_null(),
        Column::text("user_id").or_null(),
        Column::text("field").or_null(),
        Column::json("old_value").or_null(),
        Column::json("new_value").or_null(),
    ],
    order: &["created_at", "request_id", "version", "place"],
};
