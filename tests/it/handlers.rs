//! Policies, effects and projections as durable consumers, on a real server.

mod database_tls;
mod deadletters;
mod doctor;
mod effects;
mod faults;
mod generations;
mod intents;
mod lag;
mod leaders;
mod outages;
mod policies;
mod postman;
mod processing;
mod projections;
mod queries;
mod reset;
mod restored;
mod skills;
mod stale;
mod table_tennis;
mod tables;
mod timers;
mod umpire;
mod verification;
mod world;
