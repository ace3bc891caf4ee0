//! Serving a router on Lambda.

use std::pin::Pin;

use axum::Router;
use axum::response::Response;
use http_body_util::BodyExt;
use lambda_http::{Body, Error, IntoResponse, Request, service_fn};
use tower::ServiceExt;

/// Answers what API Gateway hands over, until Lambda ends the function.
///
/// # Errors
/// When Lambda cannot be asked for work.
pub async fn run(router: Router) -> Result<(), Error> {
    lambda_http::run(service_fn(|request: Request| {
        let router = router.clone();
        async move { Ok::<_, Error>(Answer(whole(router.oneshot(request).await?).await?)) }
    }))
    .await
}

/// Is an answer whose body is at hand. Left to `lambda_http`, bodies pass through the tables of every
/// character encoding there is, which are 0.15 MB of a function's zip.
struct Answer(lambda_http::Response<Body>);

impl IntoResponse for Answer {
    fn into_response(self) -> Pin<Box<dyn Future<Output = lambda_http::Response<Body>> + Send>> {
        Box::pin(std::future::ready(self.0))
    }
}

/// Collects the body: as text where it is UTF-8, so that only the rest is sent in base64.
async fn whole(response: Response) -> Result<lambda_http::Response<Body>, Error> {
    let (parts, body) = response.into_parts();
    let bytes = body.collect().await?.to_bytes();
    let body = match String::from_utf8(bytes.into()) {
        Ok(text) if text.is_empty() => Body::Empty,
        Ok(text) => Body::Text(text),
        Err(error) => Body::Binary(error.into_bytes()),
    };
    Ok(lambda_http::Response::from_parts(parts, body))
}

#[cfg(test)]
mod tests {
    use axum::response::IntoResponse;

    use super::*;

    #[tokio::test]
    async fn text_is_sent_as_it_is_and_the_rest_as_bytes() {
        let answer = whole("{\"name\":\"Åse\"}".into_response()).await.unwrap();
        assert_eq!(*answer.body(), Body::Text("{\"name\":\"Åse\"}".to_owned()));
        let answer = whole(vec![0xff, 0xfe].into_response()).await.unwrap();
        assert_eq!(*answer.body(), Body::Binary(vec![0xff, 0xfe]));
        let answer = whole(axum::http::StatusCode::NO_CONTENT.into_response()).await.unwrap();
        assert_eq!((answer.status().as_u16(), answer.body()), (204, &Body::Empty));
    }
}
