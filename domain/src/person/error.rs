//! Why a command about a person is refused: data, with a code for programs and a sentence for people.
//! Not here: what is wrong with a value on its own; such a command is not even read.

use chrono::{DateTime, Utc};
use kit::DomainError;

use super::LifecycleStage;

/// Why not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PersonError {
    /// Nobody is known under this id.
    #[error("nobody is known under this id; create the person first")]
    NotFound,
    /// The id is taken by a person who was created differently.
    #[error("another person was created under this id")]
    AlreadyExists,
    /// Not in this stage of life.
    #[error("not while the person is {}", <&str>::from(.0).to_lowercase())]
    NotWhile(LifecycleStage),
    /// Only a named user may do this.
    #[error("only a named user may do this; say on whose behalf the command comes")]
    ActorRequired,
    /// Nothing shows that the person can be reached.
    #[error("the person needs a verified contact, or a trusted source")]
    NoVerifiedContact,
    /// The date has not come yet.
    #[error("the date is in the future")]
    InFuture,
    /// Nobody dies before they are born.
    #[error("the date is before the person's birth")]
    BeforeBirth,
    /// Nobody is born after they died.
    #[error("the date is after the person's death")]
    AfterDeath,
    /// A birth date is set once.
    #[error("the birth date is another one already; correct it instead")]
    BirthDateAlreadySet,
    /// There is nothing to correct.
    #[error("no birth date is known; set it instead")]
    BirthDateNotSet,
    /// The person has no such contact.
    #[error("the person has no such contact")]
    ContactNotFound,
    /// The id or the address is another contact's.
    #[error("the person has another contact with this id or this value")]
    ContactExists,
    /// The contact must be verified first.
    #[error("the contact is not verified")]
    ContactNotVerified,
    /// No code can be sent to this kind of contact.
    #[error("no code can be sent to this kind of contact; only an e-mail can be verified")]
    NoChannel,
    /// An active person would not be reachable any more.
    #[error("this is the only verified contact of an active person; force it if that is meant")]
    OnlyVerifiedContact,
    /// No code was asked for.
    #[error("no code is expected for this contact; request a verification first")]
    NoChallenge,
    /// The code belongs to an earlier challenge.
    #[error("the code belongs to another challenge")]
    ChallengeNotCurrent,
    /// The code came too late.
    #[error("the code has expired; request another one")]
    ChallengeExpired,
    /// Too many codes were asked for.
    #[error("too many verifications were requested; try again after {retry_at}")]
    TooManyVerifications {
        /// When it may be tried again.
        retry_at: DateTime<Utc>,
    },
    /// The time for this has not come.
    #[error("not due yet")]
    NotDue {
        /// When it will have come; never, if absent.
        due: Option<DateTime<Utc>>,
    },
    /// The person has no such skill.
    #[error("the person has no such skill")]
    SkillNotFound,
    /// The id or the name is another skill's.
    #[error("the person has another skill with this id or this name")]
    SkillExists,
    /// Nobody endorses themselves.
    #[error("nobody can endorse their own skill")]
    OwnEndorsement,
    /// A certificate ends after it begins.
    #[error("a certificate expires after it was issued")]
    CertificationDates,
    /// The certificate has ended already.
    #[error("the certificate has expired already")]
    CertificationOver,
    /// The person has no such component.
    #[error("the person has no such component")]
    ComponentNotFound,
    /// The id is another component's.
    #[error("the person has another component with this id")]
    ComponentExists,
    /// A component keeps its type.
    #[error("the component is of another type; remove it and add a new one")]
    ComponentTypeDiffers,
    /// The person has as many as one can have.
    #[error("a person has at most {max} of these")]
    TooMany {
        /// The limit.
        max: usize,
    },
}

impl DomainError for PersonError {
    fn code(&self) -> &'static str {
        match self {
            Self::NotFound => "not-found",
            Self::AlreadyExists => "already-exists",
            Self::NotWhile(_) => "not-while",
            Self::ActorRequired => "actor-required",
            Self::NoVerifiedContact => "no-verified-contact",
            Self::InFuture => "in-future",
            Self::BeforeBirth => "before-birth",
            Self::AfterDeath => "after-death",
            Self::BirthDateAlreadySet => "birth-date-already-set",
            Self::BirthDateNotSet => "birth-date-not-set",
            Self::ContactNotFound => "contact-not-found",
            Self::ContactExists => "contact-exists",
            Self::ContactNotVerified => "contact-not-verified",
            Self::NoChannel => "no-channel",
            Self::OnlyVerifiedContact => "only-verified-contact",
            Self::NoChallenge => "no-challenge",
            Self::ChallengeNotCurrent => "challenge-not-current",
            Self::ChallengeExpired => "challenge-expired",
            Self::TooManyVerifications { .. } => "too-many-verifications",
            Self::NotDue { .. } => "not-due",
            Self::SkillNotFound => "skill-not-found",
            Self::SkillExists => "skill-exists",
            Self::OwnEndorsement => "own-endorsement",
            Self::CertificationDates => "certification-dates",
            Self::CertificationOver => "certification-over",
            Self::ComponentNotFound => "component-not-found",
            Self::ComponentExists => "component-exists",
            Self::ComponentTypeDiffers => "component-type-differs",
            Self::TooMany { .. } => "too-many",
        }
    }
}
