//! `If-Match` and `If-None-Match` of a command: the version that the caller decided on.

use hyper::{
    HeaderMap,
    header::{IF_MATCH, IF_NONE_MATCH},
};
use infrastructure::{histories::Histories, problem::Problem, request::CommandRequest};
use kit::Version;

use crate::{
    etag::{Tag, Tags},
    problem::Fault,
};

/// What must be so for the command to be carried out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Precondition {
    None,
    /// The aggregate is at one of these versions. Tags that are weak or no versions match none: this
    /// comparison is strong.
    At(Vec<Version>),
    /// There is such an aggregate.
    Exists,
    /// There is none yet.
    Absent,
}

impl Precondition {
    pub(super) fn read(map: &HeaderMap) -> Result<Self, Problem> {
        match (Tags::read(map, &IF_MATCH)?, Tags::read(map, &IF_NONE_MATCH)?) {
            (None, None) => Ok(Self::None),
            (Some(Tags::Any), None) => Ok(Self::Exists),
            (Some(Tags::Listed(tags)), None) => {
                let strong = |tag: &Tag| if tag.weak { None } else { tag.version() };
                Ok(Self::At(tags.iter().filter_map(strong).collect()))
            }
            (None, Some(Tags::Any)) => Ok(Self::Absent),
            (None, Some(Tags::Listed(_))) => {
                Err(Problem::invalid("header If-None-Match: only `*` is of use for a command"))
            }
            (Some(_), Some(_)) => {
                Err(Problem::invalid("If-Match and If-None-Match contradict each other"))
            }
        }
    }

    /// The version that the service is to insist on. Only where the header names no single one is the
    /// log asked first; what it says may be old by the time that the service decides, so a version
    /// that was chosen is insisted on all the same.
    pub(super) async fn expected(
        &self,
        histories: &Histories,
        request: &CommandRequest,
    ) -> Result<Option<Version>, Fault> {
        let now = || histories.version(&request.aggregate, &request.id);
        match self {
            Self::None => Ok(None),
            Self::Absent => Ok(Some(Version::ZERO)),
            Self::At(versions) => match versions[..] {
                [] => Err(failed("the tag is no version")),
                [version] => Ok(Some(version)),
                _ => {
                    let now = now().await?;
                    let found = versions.contains(&now).then_some(Some(now));
                    found.ok_or_else(|| failed(&format!("it is at version {now}")))
                }
            },
            // What exists never ceases to.
            Self::Exists => match now().await? {
                Version::ZERO => Err(failed("there is no such aggregate")),
                _ => Ok(None),
            },
        }
    }

    /// The version that a command insists on which only the first of a history may be, if it was to
    /// insist on `wanted`.
    pub(super) fn first(&self, wanted: Option<Version>) -> Result<Version, Fault> {
        match wanted {
            None | Some(Version::ZERO) => Ok(Version::ZERO),
            Some(_) => Err(failed("there is no such aggregate")),
        }
    }

    /// The same problem with the status that HTTP has for a precondition.
    pub(super) fn explain(&self, problem: Problem) -> Fault {
        match self {
            Self::None => problem.into(),
            _ if problem.code == "wrong-version" => Fault::precondition_failed(problem.detail),
            _ => problem.into(),
        }
    }
}

fn failed(detail: &str) -> Fault {
    Fault::precondition_failed(detail)
}
