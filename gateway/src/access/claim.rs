//! What a caller may do to one very aggregate, where a role reaches only what its callers have begun.
//! Not here: what a role lets do at all.

use infrastructure::{
    histories::{Histories, Owner},
    problem::Problem,
};
use kit::AggregateId;

use super::{principal::Principal, role::Role};
use crate::problem::Fault;

/// Who knows whose an aggregate is.
pub trait OwnerOf: Sync {
    /// Whose it is.
    fn owner(
        &self,
        aggregate: &str,
        id: &AggregateId,
    ) -> impl Future<Output = Result<Owner, Problem>> + Send;
}

impl OwnerOf for Histories {
    async fn owner(&self, aggregate: &str, id: &AggregateId) -> Result<Owner, Problem> {
        Self::owner(self, aggregate, id).await
    }
}

/// What a command may count on, once it is allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Claim {
    /// It is allowed on any aggregate of the type.
    Any,
    /// The caller has begun the aggregate.
    Own,
    /// Nobody has begun it yet, so the caller may: the command is to insist on being the first.
    First,
}

impl Principal {
    /// Whether it may send this command to this very aggregate, whose owner is asked for only where a role
    /// does not reach all.
    ///
    /// # Errors
    /// `forbidden`, or why nobody knows.
    pub async fn claim_command(
        &self,
        (aggregate, id, name): (&str, &AggregateId, &str),
        owners: &impl OwnerOf,
    ) -> Result<Claim, Fault> {
        let command = [aggregate, id.as_str(), name];
        let mut granting = self.granting(|role| role.allows_command(command));
        if granting.any(|role| !role.own.contains_key(aggregate)) {
            return Ok(Claim::Any);
        }
        self.check_command(aggregate, id.as_str(), name)?;
        match owners.owner(aggregate, id).await? {
            Owner::Unbegun => Ok(Claim::First),
            owner => self.owned(&owner, aggregate, id).map(|()| Claim::Own),
        }
    }

    /// Whether it may read this history, or all of a type, or all that there are.
    ///
    /// # Errors
    /// `forbidden`, or why nobody knows.
    pub async fn claim_read(
        &self,
        (aggregate, id): (Option<&str>, Option<&AggregateId>),
        owners: &impl OwnerOf,
    ) -> Result<(), Fault> {
        let history = [aggregate, id.map(AggregateId::as_str)];
        let whole = |role: &Role| match aggregate {
            Some(aggregate) => !role.own.contains_key(aggregate),
            None => role.own.is_empty(),
        };
        if self.granting(|role| role.allows_history(history)).any(whole) {
            return Ok(());
        }
        self.check_read(aggregate, history[1])?;
        match (aggregate, id) {
            (Some(aggregate), Some(id)) => {
                self.owned(&owners.owner(aggregate, id).await?, aggregate, id)
            }
            _ => Err(Fault::forbidden("only what you have begun may be read: name one by its id")),
        }
    }

    /// Whether it may ask this query with these parameters, which `named` gives by their names.
    ///
    /// # Errors
    /// `forbidden`, or why nobody knows.
    pub async fn claim_query(
        &self,
        (projection, name): (&str, &str),
        named: impl Fn(&str) -> Option<String> + Sync,
        owners: &impl OwnerOf,
    ) -> Result<(), Fault> {
        let granting = || self.granting(|role| role.allows_query([projection, name]));
        if granting().any(|role| role.own.is_empty()) {
            return Ok(());
        }
        self.check_query(projection, name)?;
        let mut refusal = Fault::forbidden("only what you have begun may be asked for");
        for role in granting() {
            match self.covers(role, &named, owners).await? {
                Ok(()) => return Ok(()),
                Err(other) => refusal = other,
            }
        }
        Err(refusal)
    }

    /// Whether the aggregates that a query names are the caller's, as far as `role` minds, and there is
    /// one.
    async fn covers(
        &self,
        role: &Role,
        named: &(impl Fn(&str) -> Option<String> + Sync),
        owners: &impl OwnerOf,
    ) -> Result<Result<(), Fault>, Fault> {
        let parameters: Vec<_> = role.own.values().map(|name| &**name).collect();
        let parameters = parameters.join("` or `");
        let why = format!("only about what you have begun: name one by `{parameters}`");
        let mut covered = Err(Fault::forbidden(why));
        for (aggregate, parameter) in &role.own {
            let Some(id) = named(parameter) else { continue };
            let id = id.parse().map_err(|bad| Problem::invalid(format!("{bad}")))?;
            covered = self.owned(&owners.owner(aggregate, &id).await?, aggregate, &id);
            if covered.is_err() {
                break;
            }
        }
        Ok(covered)
    }

    /// Whether the caller is the owner. Who may not know an aggregate does not learn whether it is there.
    fn owned(&self, owner: &Owner, aggregate: &str, id: &AggregateId) -> Result<(), Fault> {
        if *owner == Owner::User(self.user_id().to_owned()) {
            return Ok(());
        }
        Err(Fault::forbidden(format!("{aggregate}.{id} is none that you have begun")))
    }
}
