//! A bank account on plain `cqrs-es`, as someone would write it who has never heard of Headwater.

use cqrs_es::{Aggregate, DomainEvent, event_sink::EventSink};
use serde::{Deserialize, Serialize};

/// What an account holds.
#[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Account {
    owner: Option<String>,
    pub(crate) cents: u64,
}

/// What may be asked of an account.
#[derive(Debug)]
pub(crate) enum AccountCommand {
    Open {
        owner: String,
    },
    Deposit {
        cents: u64,
    },
    Withdraw {
        cents: u64,
    },
    /// Withdraws everything and closes the books: two events, or none.
    Settle,
}

/// What happened to an account.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) enum AccountEvent {
    Opened { owner: String },
    Deposited { cents: u64 },
    Withdrawn { cents: u64 },
    Settled,
}

/// Why not.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub(crate) enum AccountError {
    #[error("the account is not open")]
    NotOpen,
    #[error("the account is open already")]
    Open,
    #[error("only {cents} cents are there")]
    TooLittle { cents: u64 },
}

impl DomainEvent for AccountEvent {
    fn event_type(&self) -> String {
        let name = match self {
            Self::Opened { .. } => "opened",
            Self::Deposited { .. } => "deposited",
            Self::Withdrawn { .. } => "withdrawn",
            Self::Settled => "settled",
        };
        name.to_owned()
    }

    fn event_version(&self) -> String {
        "1.0".to_owned()
    }
}

impl Account {
    fn decide(&self, command: AccountCommand) -> Result<Vec<AccountEvent>, AccountError> {
        if let AccountCommand::Open { owner } = command {
            let fresh = self.owner.is_none();
            return fresh.then(|| vec![AccountEvent::Opened { owner }]).ok_or(AccountError::Open);
        }
        if self.owner.is_none() {
            return Err(AccountError::NotOpen);
        }
        Ok(match command {
            AccountCommand::Withdraw { cents } if cents > self.cents => {
                return Err(AccountError::TooLittle { cents: self.cents });
            }
            AccountCommand::Withdraw { cents } => vec![AccountEvent::Withdrawn { cents }],
            AccountCommand::Deposit { cents: 0 } | AccountCommand::Open { .. } => vec![],
            AccountCommand::Deposit { cents } => vec![AccountEvent::Deposited { cents }],
            AccountCommand::Settle => {
                vec![AccountEvent::Withdrawn { cents: self.cents }, AccountEvent::Settled]
            }
        })
    }
}

impl Aggregate for Account {
    const TYPE: &'static str = "account";
    type Command = AccountCommand;
    type Event = AccountEvent;
    type Error = AccountError;
    type Services = ();

    async fn handle(
        &mut self,
        command: AccountCommand,
        _services: &(),
        sink: &EventSink<Self>,
    ) -> Result<(), AccountError> {
        for event in self.decide(command)? {
            sink.write(event, self).await;
        }
        Ok(())
    }

    fn apply(&mut self, event: AccountEvent) {
        match event {
            AccountEvent::Opened { owner } => self.owner = Some(owner),
            AccountEvent::Deposited { cents } => self.cents += cents,
            AccountEvent::Withdrawn { cents } => self.cents -= cents,
            AccountEvent::Settled => self.owner = None,
        }
    }
}
