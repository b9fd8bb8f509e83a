// Package action carries out the core's own steps of a runbook: a command, a request, a person.
package action
