// Package netns identifies network namespaces, so that a new one of the same name is never mistaken for the old.
package netns
