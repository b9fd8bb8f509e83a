// Package mark writes on objects of a cluster which fault of which run made or changed them.
package mark
