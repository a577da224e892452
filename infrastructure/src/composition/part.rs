//! One handler of a composition, whichever kind it is. Not here: running it.

use std::sync::Arc;

use super::{HandlerInfo, HandlerKind};
use crate::{
    handler::{AnyBatchEffect, AnyEffect, AnyPolicy},
    readmodel::AnyProjection,
};

/// One handler.
#[derive(Clone)]
pub(crate) enum HandlerPart {
    Policy(Arc<dyn AnyPolicy>),
    Effect(Arc<dyn AnyEffect>),
    Batch(Arc<dyn AnyBatchEffect>),
    Projection(Arc<dyn AnyProjection>),
}

impl HandlerPart {
    pub(crate) fn info(&self) -> HandlerInfo {
        let (name, kind) = match self {
            Self::Policy(part) => (part.name(), HandlerKind::Policy),
            Self::Effect(part) => (part.name(), HandlerKind::Effect),
            Self::Batch(part) => (part.name(), HandlerKind::Effect),
            Self::Projection(part) => (part.name(), HandlerKind::Projection),
        };
        HandlerInfo { name, kind }
    }

    /// What it depends on outside.
    pub(crate) fn dependency(&self) -> Option<&'static str> {
        match self {
            Self::Effect(part) => part.dependency(),
            Self::Batch(part) => part.dependency(),
            Self::Policy(_) | Self::Projection(_) => None,
        }
    }

    /// Whether what is sealed is to be opened for it.
    pub(crate) fn opens(&self) -> bool {
        match self {
            Self::Effect(part) => part.opens(),
            Self::Policy(_) | Self::Batch(_) | Self::Projection(_) => true,
        }
    }

    pub(crate) fn aggregates(&self) -> Vec<&'static str> {
        match self {
            Self::Policy(part) => part.aggregates(),
            Self::Effect(part) => part.aggregates(),
            Self::Batch(part) => part.aggregates(),
            Self::Projection(part) => part.aggregates(),
        }
    }
}
