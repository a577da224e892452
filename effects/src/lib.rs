//! The effects: one file per sentence, whenever this has happened, then that is done outside; and
//! the ways out that they take.
//! Not here: delivery, retries and circuit breakers, and anything that is in the log's own power.

mod deliver_mail;
pub mod letter;
mod record_payment_fees;
mod smtp;

pub use deliver_mail::{DeliverMail, History, HistoryError, MailsDue};
pub use record_payment_fees::{FeesDue, RecordPaymentFees};
pub use smtp::{Fault, Security, Smtp, SmtpOptions, SmtpUnusable};
