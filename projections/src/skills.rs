//! Who can do what, how well, and who says so: asked across all people, by skill, by level, by day and
//! by endorser, which a document for each person cannot answer.
//! Not here: everything else about a person; `people` has that.

mod queries;
mod tables;

use domain::person::{
    NameUse, PersonCreated, PersonEvent, PersonName, SkillCertified, SkillClaimed,
};
use kit::{
    AggregateId, PartId, Recorded, TableProjection,
    tables::{Change, Query, Statement, Table, Value},
};

use self::tables::{ENDORSEMENTS, FORGET_ENDORSEMENTS, PEOPLE, SKILLS, level, rank, sought};
use crate::directory::sort_by;

/// One row per person, skill and endorsement.
#[derive(Debug, Clone, Copy)]
pub struct Skills;

impl TableProjection for Skills {
    const NAME: &'static str = "skills";
    const VERSION: u32 = 1;
    const TABLES: &'static [Table] = &[PEOPLE, SKILLS, ENDORSEMENTS];
    const STATEMENTS: &'static [Statement] = &[FORGET_ENDORSEMENTS];
    const QUERIES: &'static [Query] =
        &[queries::COUNTS, queries::ENDORSED_BY, queries::HOLDERS, queries::OF];
    type When = PersonEvent;

    fn changes(event: &Recorded<PersonEvent>) -> serde_json::Result<Vec<Change>> {
        Ok(changes(&event.aggregate_id, &event.event))
    }
}

fn changes(person: &AggregateId, event: &PersonEvent) -> Vec<Change> {
    use PersonEvent as E;
    let skill = |id: &PartId| [person.into(), id.into()];
    let set = |id: &PartId, values: Vec<_>| vec![SKILLS.set(skill(id), values)];
    let standing =
        |flag: &'static str, is: bool| vec![PEOPLE.set([person.into()], [(flag, is.into())])];
    match event {
        E::PersonCreated(e) => vec![created(person, e)],
        E::NameChanged(e) if e.usage == NameUse::Official => {
            vec![PEOPLE.set([person.into()], named(&e.name))]
        }
        E::SkillClaimed(e) => vec![claimed(person, e)],
        E::SkillAdjusted(e) => {
            set(&e.skill_id, vec![("level", level(e.level).into()), ("rank", rank(e.level))])
        }
        E::SkillEndorsed(e) => vec![ENDORSEMENTS.put([
            ("person", person.into()),
            ("skill_id", (&e.skill_id).into()),
            ("endorser", (&e.endorser).into()),
        ])],
        E::SkillCertified(e) => set(&e.skill_id, certified(e)),
        E::CertificationExpired(e) => set(&e.skill_id, uncertified()),
        E::SkillRemoved(e) => {
            vec![SKILLS.delete(skill(&e.skill_id)), FORGET_ENDORSEMENTS.run(skill(&e.skill_id))]
        }
        E::PersonActivated(_) => standing("active", true),
        E::PersonSuspended(_) => standing("suspended", true),
        E::PersonReactivated(_) => standing("suspended", false),
        E::DeathRecorded(_) => standing("deceased", true),
        E::DeathRetracted(_) => standing("deceased", false),
        E::PersonArchived(_) => standing("archived", true),
        E::PersonRestored(_) => standing("archived", false),
        // What changes neither a skill nor who can be asked.
        E::NameChanged(_)
        | E::BirthDateSet(_)
        | E::BirthDateCorrected(_)
        | E::ContactAdded(_)
        | E::ContactVerificationRequested(_)
        | E::ContactVerified(_)
        | E::ContactVerificationFailed(_)
        | E::ContactVerificationExhausted(_)
        | E::ContactVerificationExpired(_)
        | E::ContactUndeliverable(_)
        | E::ContactReleased(_)
        | E::PreferredContactChanged(_)
        | E::ContactRemoved(_)
        | E::ComponentAdded(_)
        | E::ComponentUpdated(_)
        | E::ComponentRemoved(_)
        | E::Tagged(_)
        | E::Untagged(_)
        | E::PreferencesChanged(_) => Vec::new(),
    }
}

fn created(person: &AggregateId, created: &PersonCreated) -> Change {
    let mut row = vec![("person", person.into())];
    row.extend(named(&created.name));
    row.extend(["active", "suspended", "deceased", "archived"].map(|flag| (flag, false.into())));
    PEOPLE.put(row)
}

fn named(name: &PersonName) -> Vec<(&'static str, Value)> {
    vec![("name", name.to_string().into()), ("place", sort_by(name).into())]
}

fn claimed(person: &AggregateId, claimed: &SkillClaimed) -> Change {
    let name = claimed.name.as_str();
    SKILLS.put([
        ("person", person.into()),
        ("skill_id", (&claimed.skill_id).into()),
        ("name", name.into()),
        ("sought", sought(name).into()),
        ("level", level(claimed.level).into()),
        ("rank", rank(claimed.level)),
    ])
}

fn certified(certified: &SkillCertified) -> Vec<(&'static str, Value)> {
    vec![
        ("issuer", certified.issuer.as_str().into()),
        ("certified_from", certified.issued.into()),
        ("certified_until", certified.expires.into()),
    ]
}

fn uncertified() -> Vec<(&'static str, Value)> {
    ["issuer", "certified_from", "certified_until"].map(|column| (column, Value::Null)).into()
}
