//! An application as its form sends it, and the commands that it amounts to.
//! Not here: sending them.

use chrono::Utc;
use domain::{
    design::{AnswerQuestion, CreateRequest, Design, DesignCommand, Provenance, SubmitRequest},
    values::{EmailAddress, Label},
};
use infrastructure::problem::Problem;
use kit::{Actor, Aggregate as _, AggregateId, CommandId, Context, DomainError as _, Secret};
use serde::Deserialize;
use uuid::Uuid;

/// Most answers of one application: each is a command of its own.
pub(in crate::design) const ANSWERS_MAX: usize = 100;
/// Namespace of what a key of a caller stands for. Part of the wire: a repeat must find it.
const KEYS: Uuid = Uuid::from_u128(0x5f0b_7c14_2ae9_5d36_91c8_e3d2_40b7_6a0f);

/// A new application.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(in crate::design) struct Application {
    pub(super) id: Option<AggregateId>,
    pub(super) product_id: Option<AggregateId>,
    design_code: Option<Label>,
    email: Option<EmailAddress>,
    answers: Vec<AnswerQuestion>,
}

/// What is handed in for an application that is there. With an e-mail address it is submitted.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(in crate::design) struct More {
    email: Option<EmailAddress>,
    answers: Vec<AnswerQuestion>,
}

impl Application {
    /// The commands, in order.
    pub(super) fn commands(self) -> Result<Vec<DesignCommand>, Problem> {
        let Self { product_id, design_code, email, answers, .. } = self;
        let provenance = by(email.as_ref());
        let create = CreateRequest { product_id, design_code, email: None, provenance };
        let mut commands = vec![create.into()];
        commands.extend(More { email, answers }.commands()?);
        Ok(commands)
    }
}

impl More {
    /// The commands, in order: whoever hears of the submission finds the answers.
    pub(super) fn commands(self) -> Result<Vec<DesignCommand>, Problem> {
        let Self { email, answers } = self;
        if answers.len() > ANSWERS_MAX {
            let why = format!("an application brings at most {ANSWERS_MAX} answers at once");
            return Err(Problem::too_large(why));
        }
        let provenance = by(email.as_ref());
        let answers = answers.into_iter().map(|mut answer| {
            answer.provenance = answer.provenance.or_else(|| provenance.clone());
            DesignCommand::from(answer)
        });
        let provenance = provenance.clone();
        let submit = email.map(|email| SubmitRequest { email, provenance }.into());
        Ok(answers.chain(submit).collect())
    }
}

/// Whoever has an address gives it as their name.
fn by(email: Option<&EmailAddress>) -> Option<Provenance> {
    let name = email?.as_str().parse().ok()?;
    Some(Provenance::by(name))
}

/// What `key` of the caller `scope` stands for. Nobody finds the key of another.
pub(super) fn meaning(scope: &str, key: &str, id: Option<&AggregateId>) -> Uuid {
    let id = id.map_or("", AggregateId::as_str);
    Uuid::new_v5(&KEYS, format!("{}:{scope}{id}\n{key}", scope.len()).as_bytes())
}

/// The id of the `step`-th command of what `meaning` stands for. It is no UUID: of a derived id the
/// first decision would stand, whatever the repeat says.
pub(super) fn command_id(meaning: Uuid, step: usize) -> Result<CommandId, Problem> {
    let id = format!("application-{}-{step}", meaning.simple());
    id.parse().map_err(|_| Problem::internal("a command id that is none"))
}

/// Where `design` leads if all of `commands` are carried out, so that nothing is left half done for what
/// can be known beforehand.
pub(super) fn rehearse<'a>(
    mut design: Design,
    commands: impl IntoIterator<Item = &'a DesignCommand>,
) -> Result<Design, Problem> {
    for command in commands {
        let (id, secret) = (Uuid::nil().into(), Secret::new([0; 32]));
        let context = Context::new(Utc::now(), Actor::default(), id, secret);
        let events = design.decide(command, &context);
        let events = events.map_err(|error| Problem::refused(error.code(), error.to_string()))?;
        events.iter().for_each(|event| design.evolve(event));
    }
    Ok(design)
}

#[cfg(test)]
mod tests {
    use kit::Command as _;
    use serde_json::json;

    use super::*;

    fn commands(body: serde_json::Value) -> Result<Vec<DesignCommand>, Problem> {
        serde_json::from_value::<Application>(body).unwrap().commands()
    }

    fn names(commands: &[DesignCommand]) -> Vec<&'static str> {
        commands.iter().map(DesignCommand::name).collect()
    }

    #[test]
    fn an_application_is_created_answered_and_submitted_in_this_order() {
        let all = commands(json!({
            "product_id": "p", "design_code": "D-7", "email": "ada@example.org",
            "answers": [{"question_id": "q1", "text": "blue"}, {"question_id": "q2", "text": "no"}],
        }));
        let all = all.unwrap();
        let order = ["create-request", "answer-question", "answer-question", "submit-request"];
        assert_eq!(names(&all), order);
        assert!(rehearse(Design::default(), &all).is_ok());
        assert_eq!(names(&commands(json!({})).unwrap()), ["create-request"]);
    }

    #[test]
    fn what_would_be_refused_halfway_is_refused_beforehand() {
        let empty = commands(json!({"answers": [{"question_id": "q1"}]})).unwrap();
        let refused = rehearse(Design::default(), &empty).unwrap_err();
        assert_eq!((refused.status, refused.code.as_str()), (422, "empty-answer"));
        let answers = vec![json!({"question_id": "q", "text": "x"}); ANSWERS_MAX + 1];
        assert_eq!(commands(json!({"answers": answers})).unwrap_err().code, "too-large");
    }

    #[test]
    fn what_is_handed_in_later_is_rehearsed_on_what_is_there() {
        let all = commands(json!({"email": "ada@example.org"})).unwrap();
        let there = rehearse(Design::default(), &all).unwrap();
        let more = |body| serde_json::from_value::<More>(body).unwrap().commands().unwrap();
        let good = json!({"question_id": "a", "text": "1"});
        let rehearsed = |body| rehearse(there.clone(), &more(body));
        assert!(rehearsed(json!({"answers": [good], "email": "ada@example.org"})).is_ok());
        for half in [
            json!({"answers": [good, {"question_id": "b"}]}),
            json!({"answers": [good], "email": "bob@example.org"}),
        ] {
            assert_eq!(rehearsed(half).unwrap_err().status, 422);
        }
        let nobody = rehearse(Design::default(), &more(json!({"answers": [good]})));
        assert_eq!(nobody.unwrap_err().code, "not-found");
    }

    #[test]
    fn a_key_stands_for_the_same_only_for_the_same_caller_and_application() {
        let id = "r-1".parse().unwrap();
        let meaning = |scope, key, id| meaning(scope, key, id);
        assert_eq!(meaning("a", "k", None), meaning("a", "k", None));
        let others = [
            meaning("b", "k", None),
            meaning("a", "l", None),
            meaning("a", "k", Some(&id)),
            meaning("ar-1", "k", None),
        ];
        assert!(others.iter().all(|other| *other != meaning("a", "k", None)));
        let first = command_id(others[0], 0).unwrap();
        assert!(first != command_id(others[0], 1).unwrap() && !first.is_derived());
    }
}
