// Package timeline reads what other tools and people wrote down about an incident.
package timeline
