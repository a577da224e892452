//! What may be asked about skills.

use kit::tables::{Column, Param, Query, Value};

use super::tables::{rank_of, sought};

fn read_sought(name: &str) -> Result<Value, String> {
    Ok(sought(name).into())
}

/// Who has a skill: at least so well, certified on a day, able to be asked.
pub(super) const HOLDERS: Query = Query {
    name: "holders",
    params: &[
        Param::text("skill").read_by(read_sought),
        Param::int("at_least").or_none().read_by(rank_of),
        Param::date("certified_on").or_none(),
        Param::bool("available").or_none(),
    ],
    sql: "SELECT * FROM (
            SELECT s.person, p.name, p.place, s.skill_id, s.name AS skill, s.level, s.issuer,
                   s.certified_from, s.certified_until,
                   (SELECT count(*) FROM {endorsements} e
                    WHERE e.person = s.person AND e.skill_id = s.skill_id) AS endorsements,
                   p.active AND NOT (p.suspended OR p.deceased OR p.archived) AS available
            FROM {skills} s JOIN {people} p ON p.person = s.person
            WHERE s.sought = $1 AND ($2 IS NULL OR s.rank >= $2)
          ) AS holders
          WHERE ($3 IS NULL OR (certified_from <= $3
                 AND (certified_until IS NULL OR certified_until > $3)))
            AND ($4 IS NULL OR available = $4)",
    columns: &[
        Column::text("person"),
        Column::text("name"),
        Column::text("place"),
        Column::text("skill_id"),
        Column::text("skill"),
        Column::text("level"),
        Column::text("issuer").or_null(),
        Column::date("certified_from").or_null(),
        Column::date("certified_until").or_null(),
        Column::int("endorsements"),
        Column::bool("available"),
    ],
    order: &["place", "person", "skill_id"],
};

/// How many have each skill, and how well.
pub(super) const COUNTS: Query = Query {
    name: "counts",
    params: &[],
    sql: "SELECT sought AS skill, count(*) AS people,
                 sum(CASE WHEN rank = 0 THEN 1 ELSE 0 END) AS beginner,
                 sum(CASE WHEN rank = 1 THEN 1 ELSE 0 END) AS intermediate,
                 sum(CASE WHEN rank = 2 THEN 1 ELSE 0 END) AS advanced,
                 sum(CASE WHEN rank = 3 THEN 1 ELSE 0 END) AS expert,
                 sum(CASE WHEN issuer IS NOT NULL THEN 1 ELSE 0 END) AS certified
          FROM {skills} GROUP BY sought",
    columns: &[
        Column::text("skill"),
        Column::int("people"),
        Column::int("beginner"),
        Column::int("intermediate"),
        Column::int("advanced"),
        Column::int("expert"),
        Column::int("certified"),
    ],
    order: &["skill"],
};

/// What one person can do. If something of that person waits behind a dead letter, it says so.
pub(super) const OF: Query = Query {
    name: "of",
    params: &[Param::text("person").key()],
    sql: "SELECT s.skill_id, s.name AS skill, s.level, s.issuer, s.certified_from,
                 s.certified_until, count(e.endorser) AS endorsements
          FROM {skills} s
          LEFT JOIN {endorsements} e ON e.person = s.person AND e.skill_id = s.skill_id
          WHERE s.person = $1
          GROUP BY s.skill_id, s.name, s.level, s.issuer, s.certified_from, s.certified_until",
    columns: &[
        Column::text("skill_id"),
        Column::text("skill"),
        Column::text("level"),
        Column::text("issuer").or_null(),
        Column::date("certified_from").or_null(),
        Column::date("certified_until").or_null(),
        Column::int("endorsements"),
    ],
    order: &["skill_id"],
};

/// Whose skills one person vouches for.
pub(super) const ENDORSED_BY: Query = Query {
    name: "endorsed-by",
    params: &[Param::text("endorser")],
    sql: "SELECT e.person, p.name, e.skill_id, s.name AS skill, s.level
          FROM {endorsements} e
          JOIN {skills} s ON s.person = e.person AND s.skill_id = e.skill_id
          JOIN {people} p ON p.person = e.person
          WHERE e.endorser = $1",
    columns: &[
        Column::text("person"),
        Column::text("name"),
        Column::text("skill_id"),
        Column::text("skill"),
        Column::text("level"),
    ],
    order: &["person", "skill_id"],
};
