//! What is known of Stripe: how its webhooks are signed, and how its API is asked.
//! It knows nothing of this service. Not here: what an event of Stripe's means for a design request.
