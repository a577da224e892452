//! Why a reservation refuses a command.
//! Not here: how a refusal travels.

/// Why a reservation refuses a command.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReservationError {
    /// Another person has the address.
    #[error("the address belongs to another person")]
    ContactTaken,
    /// Only the holder may give the address up.
    #[error("the address is held by another contact")]
    NotTheHolder,
}

impl kit::DomainError for ReservationError {
    fn code(&self) -> &'static str {
        match self {
            Self::ContactTaken => "contact-taken",
            Self::NotTheHolder => "not-the-holder",
        }
    }
}
