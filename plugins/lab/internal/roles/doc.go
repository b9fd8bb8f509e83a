// Package roles is what the lab's binary does when the supervisor starts it again: be a zone, a shop, or a region's edge.
package roles
