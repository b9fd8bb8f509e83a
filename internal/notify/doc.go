// Package notify tells others what a run does: a webhook, a Slack channel, a tracing backend, a dashboard.
//
// Nobody waits for it. What could not be told is reported to whoever started the run, and changes no verdict.
package notify
