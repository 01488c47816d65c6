//! THE table of what is served: method, address, who may, and what answers.
//!
//! The router is made from it, so that nothing is served that does not stand here. What changes something is never for those who are not known.

use std::sync::Arc;

use axum::Router;
use axum::http::Method;
use axum::routing::{MethodRouter, get, post};

use super::serve::{self, Shared};
use super::{admit, events, health, live, log, login, marks, metrics, pictures, products, rejects, threshold, upload};
use crate::roles::Role;

/// Who may have an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Needs {
    /// Everybody: what is needed to sign in, and what says nothing but whether all is well.
    Nothing,
    /// Those who may look, as the configuration says.
    Look,
    /// The same, and who has the token for figures: a program, which does not sign in.
    Figures,
    /// This role, or one that may do more.
    Role(Role),
    /// The same for what is too long to be taken in before it is answered: the answer sees to it itself that it is meant.
    Upload(Role),
}

/// One row.
#[derive(Debug)]
pub struct Route {
    /// `GET` or `POST`.
    pub method: Method,
    /// The address, with what is different from case to case in braces.
    pub path: &'static str,
    /// Who may.
    pub needs: Needs,
    answer: fn() -> MethodRouter<Arc<Shared>>,
}

const fn row(method: Method, path: &'static str, needs: Needs, answer: fn() -> MethodRouter<Arc<Shared>>) -> Route {
    Route { method, path, needs, answer }
}

/// All of them.
pub static ROUTES: [Route; 23] = [
    row(Method::GET, "/", Needs::Look, || get(live::page)),
    row(Method::GET, "/events", Needs::Look, || get(events::stream)),
    row(Method::POST, "/acknowledge", Needs::Role(Role::Operator), || post(live::acknowledge)),
    row(Method::GET, "/rejects", Needs::Look, || get(rejects::gallery)),
    row(Method::GET, "/parts/{run}/{part}", Needs::Look, || get(rejects::part)),
    row(Method::POST, "/parts/{run}/{part}", Needs::Role(Role::Operator), || post(marks::mark)),
    row(Method::GET, "/pictures/{run}/{part}", Needs::Look, || get(pictures::view)),
    row(Method::GET, "/originals/{run}/{part}", Needs::Look, || get(pictures::original)),
    row(Method::GET, "/threshold", Needs::Look, || get(threshold::page)),
    row(Method::POST, "/threshold", Needs::Role(Role::Engineer), || post(threshold::change)),
    row(Method::GET, "/health", Needs::Look, || get(health::page)),
    row(Method::GET, "/products", Needs::Look, || get(products::page)),
    row(Method::POST, "/products", Needs::Role(Role::Operator), || post(products::change)),
    row(Method::GET, "/products/upload", Needs::Role(Role::Engineer), || get(upload::page)),
    row(Method::POST, "/products/upload", Needs::Upload(Role::Engineer), || post(upload::take).layer(upload::limit())),
    row(Method::GET, "/metrics", Needs::Figures, || get(metrics::metrics)),
    row(Method::GET, "/healthz", Needs::Nothing, || get(metrics::healthz)),
    row(Method::GET, "/log", Needs::Role(Role::Engineer), || get(log::page)),
    row(Method::GET, "/login", Needs::Nothing, || get(login::page)),
    row(Method::POST, "/login", Needs::Nothing, || post(login::sign_in)),
    row(Method::POST, "/logout", Needs::Role(Role::Operator), || post(login::sign_out)),
    row(Method::GET, "/assets/style.css", Needs::Nothing, || get(serve::style)),
    row(Method::GET, "/assets/live.js", Needs::Nothing, || get(serve::script)),
];

/// The router.
pub fn router(shared: &Arc<Shared>) -> Router<Arc<Shared>> {
    ROUTES.iter().fold(Router::new(), |router, route| {
        let door = axum::middleware::from_fn_with_state((Arc::clone(shared), route.needs), admit::admit);
        router.route(route.path, (route.answer)().route_layer(door))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_changes_something_needs_somebody_who_is_known() {
        for Route { method, path, needs, .. } in &ROUTES {
            let changes = !matches!(*method, Method::GET);
            assert!(
                !changes || matches!(needs, Needs::Role(_) | Needs::Upload(_)) || *path == "/login",
                "{method} {path}"
            );
        }
    }
}
