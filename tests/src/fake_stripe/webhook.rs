//! The stand-in's other side: it signs events and sends them to an endpoint, as they are or not.

use chrono::Utc;
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::Value;
use sha2::Sha256;

use super::StripeEvent;
use crate::post;

/// How an event is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Delivery {
    /// As Stripe does.
    Right,
    /// Without a header.
    Unsigned,
    /// Signed so many seconds ago; negative is in the future.
    Aged(i64),
    /// With one byte of the body changed after it was signed.
    Changed(usize),
    /// Without the last bytes of the signature.
    Truncated,
    /// With the secret of somebody else.
    Forged,
    /// With a signature by an older secret before the right one.
    Several,
}

/// Where events are sent, and what they are signed with.
#[derive(Debug, Clone)]
pub struct Endpoint {
    /// `127.0.0.1:port`.
    pub address: String,
    /// `whsec_…`.
    pub secret: String,
}

impl Endpoint {
    /// The path of the endpoint.
    pub const PATH: &'static str = "/api/webhooks/stripe";

    /// Sends `event`; no answer if the endpoint is away or goes meanwhile.
    pub async fn send(&self, event: &StripeEvent) -> Option<(u16, Value)> {
        self.send_as(event, Delivery::Right).await
    }

    /// Sends `event` as `delivery` says.
    pub async fn send_as(&self, event: &StripeEvent, delivery: Delivery) -> Option<(u16, Value)> {
        let mut body = event.text.clone().into_bytes();
        let age = if let Delivery::Aged(seconds) = delivery { seconds } else { 0 };
        let time = Utc::now().timestamp() - age;
        let signed = |secret: &str| format!(",v1={}", signature(secret, time, &body));
        let header = match delivery {
            Delivery::Unsigned => None,
            Delivery::Forged => Some(format!("t={time}{}", signed("whsec_stranger"))),
            Delivery::Several => {
                Some(format!("t={time}{}{}", signed("whsec_older"), signed(&self.secret)))
            }
            Delivery::Truncated => {
                let whole = format!("t={time}{}", signed(&self.secret));
                Some(whole[..whole.len() - 4].to_owned())
            }
            Delivery::Right | Delivery::Aged(_) | Delivery::Changed(_) => {
                Some(format!("t={time}{}", signed(&self.secret)))
            }
        };
        if let Delivery::Changed(place) = delivery {
            let place = place % body.len();
            body[place] ^= 1;
        }
        self.post(header, body).await
    }

    /// Sends `body` under `header`, whatever they are.
    pub async fn post(&self, header: Option<String>, body: Vec<u8>) -> Option<(u16, Value)> {
        let mut headers = vec![
            ("content-type", "application/json; charset=utf-8"),
            ("user-agent", "Stripe/1.0 (+https://stripe.com/docs/webhooks)"),
        ];
        headers.extend(header.as_deref().map(|header| ("stripe-signature", header)));
        post(&self.address, Self::PATH, &headers, body).await
    }
}

fn signature(secret: &str, time: i64, body: &[u8]) -> String {
    let Ok(mac) = Hmac::<Sha256>::new_from_slice(secret.as_bytes()) else { return String::new() };
    let mac = mac.chain_update(format!("{time}.")).chain_update(body);
    mac.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect()
}
