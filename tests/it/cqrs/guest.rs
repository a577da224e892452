//! A guest on plain `cqrs-es`, of whom something is personal.

use cqrs_es::{Aggregate, DomainEvent, event_sink::EventSink};
use kit::Personal;
use serde::{Deserialize, Serialize};

/// Who is here.
#[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Guest {
    pub(crate) name: Option<String>,
    pub(crate) nights: u8,
}

/// What happened to a guest.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "what")]
pub(crate) enum GuestEvent {
    Came { name: Personal<String>, room: u16 },
    Stayed { nights: u8 },
}

impl GuestEvent {
    pub(crate) fn came(name: &str) -> Self {
        Self::Came { name: name.to_owned().into(), room: 7 }
    }
}

/// Nothing is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Never {}

impl DomainEvent for GuestEvent {
    fn event_type(&self) -> String {
        let name = match self {
            Self::Came { .. } => "guest-came",
            Self::Stayed { .. } => "guest-stayed",
        };
        name.to_owned()
    }

    fn event_version(&self) -> String {
        "1".to_owned()
    }
}

impl Aggregate for Guest {
    const TYPE: &'static str = "guest";
    type Command = GuestEvent;
    type Event = GuestEvent;
    type Error = Never;
    type Services = ();

    async fn handle(
        &mut self,
        event: GuestEvent,
        _services: &(),
        sink: &EventSink<Self>,
    ) -> Result<(), Never> {
        sink.write(event, self).await;
        Ok(())
    }

    fn apply(&mut self, event: GuestEvent) {
        match event {
            GuestEvent::Came { name, .. } => self.name = name.into_known(),
            GuestEvent::Stayed { nights } => self.nights += nights,
        }
    }
}
