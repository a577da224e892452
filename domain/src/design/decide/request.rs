//! Rules of opening a request, handing it in, calling it off, and of the work on it.
//! Not here: the arrows.

use kit::Personal;

use super::{Decision, Status, nothing, one};
use crate::design::{
    CancelRequest, CompleteDesign, CreateRequest, Design, DesignCompleted, DesignError,
    DesignStarted, Origin, RequestCancelled, RequestCreated, RequestSubmitted, StartDesign,
    SubmitRequest,
};

impl Design {
    pub(super) fn create(&self, command: &CreateRequest) -> Decision {
        let created = RequestCreated {
            product_id: command.product_id.clone(),
            design_code: command.design_code.clone(),
            email: self.personal(command.email.clone()),
            provenance: self.said(command.provenance.as_ref()),
        };
        match &self.origin {
            None => one(created),
            // Who says so may differ: it is the same request.
            Some(origin) if *origin == Origin::from(&created) => nothing(),
            Some(_) => Err(DesignError::RequestExists),
        }
    }

    pub(super) fn submit(&self, command: &SubmitRequest) -> Decision {
        match self.status() {
            Status::Draft => {
                let email = Personal::Known(command.email.clone());
                let provenance = self.said(command.provenance.as_ref());
                let mut submitted =
                    RequestSubmitted { email, status: Status::Submitted, provenance };
                submitted.status = self.status_after(submitted.clone());
                one(submitted)
            }
            Status::Unknown | Status::Cancelled => self.not_now(),
            _ if self.email.as_ref() == Some(&command.email) => nothing(),
            _ => Err(DesignError::AlreadySubmitted),
        }
    }

    pub(super) fn cancel(&self, command: &CancelRequest) -> Decision {
        match self.status() {
            Status::Cancelled => nothing(),
            Status::Draft | Status::Submitted | Status::Paid => {
                let reason = self.personal(command.reason.clone());
                let provenance = self.said(command.provenance.as_ref());
                let said = provenance.clone().and_then(Personal::into_known);
                let cancelled = RequestCancelled { reason, provenance };
                let cancelled = self.with_refunds(cancelled, said.as_ref())?;
                // All is given back, whatever it was to be.
                self.with_held(cancelled, |_| Ok(()))
            }
            _ => self.not_now(),
        }
    }

    pub(super) fn start(&self, command: &StartDesign) -> Decision {
        match self.status() {
            Status::InDesign => nothing(),
            Status::Paid => {
                one(DesignStarted { provenance: self.said(command.provenance.as_ref()) })
            }
            _ => self.not_now(),
        }
    }

    pub(super) fn complete(&self, command: &CompleteDesign) -> Decision {
        match self.status() {
            Status::Completed => nothing(),
            Status::InDesign => {
                one(DesignCompleted { provenance: self.said(command.provenance.as_ref()) })
            }
            _ => self.not_now(),
        }
    }
}
