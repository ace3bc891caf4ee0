use axum::Router;
use axum::extract::{Request, State};
use axum::handler::Handler;
use axum::http::{Method, StatusCode};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodFilter, on};
use uuid::Uuid;

use crate::auth::authorize;
use crate::error::Cause;
use crate::problem::finish;
use crate::{ApiError, App, EdgeStore, HandlerState, Problem, Scope};

/// Is what every path of the API starts with.
pub const PREFIX: &str = "/api/v1";

/// Gathers the routes of a function, and remembers them: templates, documents and tests ask.
#[derive(Debug, Default)]
pub struct Routes {
    router: Router,
    listed: Vec<(Method, String)>,
}

impl Routes {
    /// Starts with no route.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a route that needs a key with `scope`. `path` comes without the prefix.
    #[must_use]
    pub fn on<A, H, T>(self, state: &A, method: Method, path: &str, scope: Scope, handler: H) -> Self
    where
        A: HandlerState,
        H: Handler<T, A>,
        T: 'static,
    {
        self.beside(state, method, &format!("{PREFIX}{path}"), scope, handler)
    }

    /// Adds a route outside of the API that needs a key with `scope` all the same.
    #[must_use]
    pub fn beside<A, H, T>(self, state: &A, method: Method, path: &str, scope: Scope, handler: H) -> Self
    where
        A: HandlerState,
        H: Handler<T, A>,
        T: 'static,
    {
        let guard = middleware::from_fn_with_state((state.app().clone(), Some(scope)), guard::<A::Store>);
        let handler = on(filter(&method), handler).layer(guard).with_state(state.clone());
        self.add(method, path.to_owned(), handler)
    }

    /// Adds a route that needs no tenant's key.
    #[must_use]
    pub fn on_public<S, H, T>(self, state: S, method: Method, path: &str, handler: H) -> Self
    where
        S: Clone + Send + Sync + 'static,
        H: Handler<T, S>,
        T: 'static,
    {
        let handler = on(filter(&method), handler).with_state(state);
        self.add(method, path.to_owned(), handler)
    }

    /// Adds a path that the contract describes and that is not built yet: it is refused, never
    /// taken for another one, and not listed.
    #[must_use]
    pub fn planned<A: HandlerState>(mut self, state: &A, method: Method, path: &str) -> Self {
        let guard = middleware::from_fn_with_state((state.app().clone(), None), guard::<A::Store>);
        let handler = on(filter(&method), planned).layer(guard);
        self.router = self.router.route(&format!("{PREFIX}{path}"), handler);
        self
    }

    fn add(mut self, method: Method, path: String, handler: axum::routing::MethodRouter) -> Self {
        self.router = self.router.route(&path, handler);
        self.listed.push((method, path));
        self
    }

    /// Adds the routes of another function.
    #[must_use]
    pub fn merge(mut self, other: Self) -> Self {
        self.router = self.router.merge(other.router);
        self.listed.extend(other.listed);
        self
    }

    /// Lists all routes as method and path.
    pub fn listed(&self) -> &[(Method, String)] {
        &self.listed
    }

    /// Finishes the router: unknown paths and methods, request ids, and problems as bodies.
    pub fn into_router<S: EdgeStore>(self, app: &App<S>) -> Router {
        let guard = middleware::from_fn_with_state((app.clone(), None), guard::<S>);
        let unknown = Router::new().fallback(unknown_path).layer(guard.clone());
        self.router
            .method_not_allowed_fallback(unknown_method)
            .fallback_service(unknown)
            .layer(middleware::from_fn(edge))
    }
}

fn filter(method: &Method) -> MethodFilter {
    MethodFilter::try_from(method.clone()).unwrap_or(MethodFilter::GET)
}

async fn guard<S: EdgeStore>(
    State((app, scope)): State<(App<S>, Option<Scope>)>,
    request: Request,
    next: Next,
) -> Response {
    let (mut parts, body) = request.into_parts();
    let key = match authorize(&app, &mut parts, scope).await {
        Ok(key) => key,
        Err(refusal) => return refusal,
    };
    let verdict = match app.limiter.admit(&app.store, key).await {
        Ok(verdict) => verdict,
        Err(error) => return ApiError::from(error).into_response(),
    };
    let mut response =
        if verdict.passes { next.run(Request::from_parts(parts, body)).await } else { verdict.refusal() };
    verdict.tell(response.headers_mut());
    response
}

/// Gives every request an id, every problem its body, and every inner failure one line of log.
async fn edge(request: Request, next: Next) -> Response {
    let request_id = Uuid::new_v4().to_string();
    let method = request.method().clone();
    let mut response = next.run(request).await;
    if response.status().is_server_error() {
        let cause = response.extensions_mut().remove::<Cause>();
        let cause = cause.as_ref().map(|cause| &*cause.0 as &(dyn std::error::Error + 'static));
        // Not the path: it may hold an address.
        tracing::error!(request.id = request_id, %method, status = response.status().as_u16(), cause, "request failed");
    }
    finish(response, &request_id)
}

async fn unknown_path(method: Method, uri: axum::http::Uri) -> Response {
    if is_planned(uri.path()) {
        return planned(method).await;
    }
    Problem::new(StatusCode::NOT_FOUND, "not_found", "there is no such path; see /api/v1/openapi.json")
        .into_response()
}

async fn planned(method: Method) -> Response {
    ApiError::not_available(&format!("{method} on this path")).into_response()
}

async fn unknown_method() -> Response {
    let detail = "the path does not take this method; see the `Allow` header";
    Problem::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", detail).into_response()
}

/// Tells paths that the contract describes and that are not built yet from those that never will be.
fn is_planned(path: &str) -> bool {
    const PLANNED: [&str; 3] = ["exports", "scoring", "forms"];
    let first = path.strip_prefix(PREFIX).and_then(|rest| rest.strip_prefix('/')?.split('/').next());
    first.is_some_and(|first| PLANNED.contains(&first))
}
