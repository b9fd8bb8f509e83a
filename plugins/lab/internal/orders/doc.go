// Package orders keeps the orders of a region: a replicated stream in the one, its asynchronous mirror in the other.
package orders
