// Package tracker keeps the issues of a tracker in step with the backlog.
package tracker
