//! Why a command about a design request is refused: data, with a code for programs and a sentence for
//! people. Not here: what is wrong with a value on its own; such a command is not even read.

use kit::DomainError;

use super::DesignStatus;
use crate::money::{AMOUNT_MAX, Currency, Money};

/// Why not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DesignError {
    /// There is no such request.
    #[error("there is no request under this id; create it first")]
    NotFound,
    /// The id is taken by a request that was created differently.
    #[error("another request was created under this id")]
    RequestExists,
    /// Not in this status.
    #[error("not while the request is {}", <&str>::from(.0))]
    NotWhile(DesignStatus),
    /// It was handed in by somebody else.
    #[error("the request was submitted with another e-mail address")]
    AlreadySubmitted,
    /// An answer says something.
    #[error("an answer has a text, a file_url or options; a blank text crosses an answer out")]
    EmptyAnswer,
    /// More questions than one request has.
    #[error("a request has at most {max} questions")]
    TooManyQuestions {
        /// The limit.
        max: usize,
    },
    /// The question was answered too often.
    #[error("a question is answered at most {max} times")]
    TooManyVersions {
        /// The limit.
        max: u32,
    },
    /// It has another price.
    #[error("the request was quoted {0}")]
    AlreadyQuoted(Money),
    /// Nobody pays that.
    #[error("an amount is 1 to {AMOUNT_MAX} minor units")]
    InvalidAmount,
    /// Another amount was agreed on.
    #[error("the request is about {expected}, this is {found}")]
    AmountMismatch {
        /// What was agreed on, or has come in.
        expected: Money,
        /// What was given.
        found: Money,
    },
    /// Another currency was agreed on.
    #[error("the request is in {expected}, this is in {found}")]
    CurrencyMismatch {
        /// What was agreed on, or has come in.
        expected: Currency,
        /// What was given.
        found: Currency,
    },
    /// More was reported about payments than one request remembers.
    #[error("a request takes at most {max} facts about payments")]
    TooManyFacts {
        /// The limit.
        max: usize,
    },
    /// Nothing was reported about this payment.
    #[error("nothing is known of this payment")]
    PaymentNotFound,
    /// There is nobody any more whom it could be about.
    #[error("what was personal in the request is erased, and nothing more of it is taken")]
    PersonalDataErased,
    /// Other fees were recorded.
    #[error("other fees were recorded for this payment")]
    FeesDiffer,
}

impl DomainError for DesignError {
    fn code(&self) -> &'static str {
        match self {
            Self::NotFound => "not-found",
            Self::RequestExists => "request-exists",
            Self::NotWhile(_) => "not-while",
            Self::AlreadySubmitted => "already-submitted",
            Self::EmptyAnswer => "empty-answer",
            Self::TooManyQuestions { .. } => "too-many-questions",
            Self::TooManyVersions { .. } => "too-many-versions",
            Self::AlreadyQuoted(_) => "already-quoted",
            Self::InvalidAmount => "invalid-amount",
            Self::AmountMismatch { .. } => "amount-mismatch",
            Self::CurrencyMismatch { .. } => "currency-mismatch",
            Self::TooManyFacts { .. } => "too-many-payment-facts",
            Self::PaymentNotFound => "payment-not-found",
            Self::PersonalDataErased => "personal-data-erased",
            Self::FeesDiffer => "fees-differ",
        }
    }
}
