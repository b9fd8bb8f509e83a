// Package scenario makes a scenario of an incident: each line of it cites the line of the incident that it came from.
package scenario
