//! Tests of the built component over HTTP: every rule of its contract has a case here, and nothing is mocked.
//!
//! Run `cargo dev build` first. With `JAAS_TEST_HOST=spin` the tests run against `spin up`.

use testkit::{connection, credentials, harness, http, key_material, signature};

mod authentication;
mod claims;
mod configuration;
mod contract;
mod cors;
mod delivery;
mod deployments;
mod engines;
mod faults;
mod get;
mod health;
mod hostile;
mod instances;
mod invitations;
mod keys;
mod load;
mod logs;
mod methods;
mod policy;
mod post;
mod providers;
mod providers_of_the_guide;
mod recipes;
mod remote_keys;
mod rooms;
mod soak;
mod standalone;
mod tokens;
mod usage;
mod vectors;
mod webhook;
mod worker_table;
