//! What is answered to a question.
//! Not here: which answer is the current one.

use kit::Personal;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::values::{GivenJson, Prose, WebAddress};

/// An answer in words.
pub type AnswerText = Prose<20_000>;
/// An answer as chosen options.
pub type AnswerOptions = GivenJson<{ 16 * 1024 }>;

/// What is answered: words, a file, options, or several of them.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Answer {
    /// In words; blank to cross an answer out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<Personal<AnswerText>>,
    /// Where the file is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file_url: Option<Personal<WebAddress>>,
    /// The chosen options, as the asker's program writes them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub options: Option<Personal<AnswerOptions>>,
}

/// Namespace of [`Answer::digest`]. It is in no event, only in states: a change needs a new schema.
const DIGESTS: Uuid = Uuid::from_u128(0x3d7b_41f0_9a5e_5c61_b2f4_07c8_1e93_6ad5);

impl Answer {
    /// Whether nothing is answered, not even blank words.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.text.is_none() && self.file_url.is_none() && self.options.is_none()
    }

    /// What tells this answer from others: a state that kept whole answers would outgrow snapshots.
    #[must_use]
    pub fn digest(&self) -> Uuid {
        // Nothing in an answer has no JSON form; if something had, all such answers would be alike.
        Uuid::new_v5(&DIGESTS, &serde_json::to_vec(self).unwrap_or_default())
    }
}
