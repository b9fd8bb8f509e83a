// Package alert watches whether an alert is firing.
package alert
