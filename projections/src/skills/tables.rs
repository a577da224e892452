//! The tables of skills. Not here: what events make of them.

use domain::person::SkillLevel;
use kit::tables::{Column, Statement, Table, Type, Value};

/// Who it is, and whether they can be asked.
pub(super) const PEOPLE: Table = Table {
    name: "people",
    columns: &[
        Column::text("person"),
        Column::text("name"),
        // Family names first, in lower case.
        Column::text("place"),
        Column::bool("active"),
        Column::bool("suspended"),
        Column::bool("deceased"),
        Column::bool("archived"),
    ],
    key: &["person"],
    indexes: &[],
};

/// What they can do.
pub(super) const SKILLS: Table = Table {
    name: "skills",
    columns: &[
        Column::text("person"),
        Column::text("skill_id"),
        Column::text("name"),
        // The name as it is looked for.
        Column::text("sought"),
        Column::text("level"),
        Column::int("rank"),
        Column::text("issuer").or_null(),
        Column::date("certified_from").or_null(),
        Column::date("certified_until").or_null(),
    ],
    key: &["person", "skill_id"],
    indexes: &[&["sought", "rank"]],
};

/// Who says so too.
pub(super) const ENDORSEMENTS: Table = Table {
    name: "endorsements",
    columns: &[Column::text("person"), Column::text("skill_id"), Column::text("endorser")],
    key: &["person", "skill_id", "endorser"],
    indexes: &[&["endorser"]],
};

/// Nobody endorses a skill that is gone.
pub(super) const FORGET_ENDORSEMENTS: Statement = Statement {
    sql: "DELETE FROM {endorsements} WHERE person = $1 AND skill_id = $2",
    params: &[Type::Text, Type::Text],
};

/// A skill's name as it is looked for.
pub(super) fn sought(name: &str) -> String {
    name.trim().to_lowercase()
}

const LEVELS: [(SkillLevel, &str); 4] = [
    (SkillLevel::Beginner, "beginner"),
    (SkillLevel::Intermediate, "intermediate"),
    (SkillLevel::Advanced, "advanced"),
    (SkillLevel::Expert, "expert"),
];

/// A level as a word.
pub(super) const fn level(level: SkillLevel) -> &'static str {
    LEVELS[level as usize].1
}

/// A level as a number to compare.
pub(super) const fn rank(level: SkillLevel) -> Value {
    Value::Int(level as i64)
}

/// A level that a reader names, as a number.
pub(super) fn rank_of(word: &str) -> Result<Value, String> {
    let known = LEVELS.iter().find(|(_, known)| *known == word);
    known.map(|(level, _)| rank(*level)).ok_or_else(|| {
        let words = LEVELS.map(|(_, word)| word).join(", ");
        format!("expected one of {words}")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_level_has_the_word_of_its_events_and_a_rank_that_grows() {
        for (at, (level, word)) in LEVELS.into_iter().enumerate() {
            assert_eq!(serde_json::to_value(level).unwrap(), word);
            assert_eq!(super::level(level), word);
            assert_eq!(rank_of(word), Ok(Value::Int(i64::try_from(at).unwrap())));
        }
        assert!(rank_of("Expert").unwrap_err().contains("advanced, expert"));
    }
}
