//! A state machine, written once as a match over an enum that carries its data.
//! Not here: the table and the picture; [`Chart`](crate::Chart) derives them.

use std::fmt::Debug;

/// The kind of state a machine stands in, without its data.
/// Derive it with strum: `EnumDiscriminants` with `VariantArray` and `IntoStaticStr`.
pub trait Stage:
    Copy + Eq + Debug + strum::VariantArray + Into<&'static str> + Send + Sync + 'static
{
}

impl<S> Stage for S where
    S: Copy + Eq + Debug + strum::VariantArray + Into<&'static str> + Send + Sync + 'static
{
}

/// Where something stands and where each event leads from there.
pub trait Machine: Default + Clone + PartialEq + Debug {
    /// The events that move it; those of others may be among them and lead nowhere.
    type Event: Clone + Debug;
    /// Its states without their data.
    type Stage: Stage;

    /// Where `event` leads from here.
    ///
    /// # Errors
    /// `Err(self)`, unmoved, if there is no arrow for it.
    fn after(self, event: &Self::Event) -> Result<Self, Self>;

    /// The kind of state it stands in.
    fn stage(&self) -> Self::Stage;

    /// Takes `event` in, and stays if it leads nowhere.
    fn advance(&mut self, event: &Self::Event) {
        *self = std::mem::take(self).after(event).unwrap_or_else(std::convert::identity);
    }

    /// Whether `event` leads anywhere from here.
    fn accepts(&self, event: &Self::Event) -> bool {
        self.clone().after(event).is_ok()
    }
}
