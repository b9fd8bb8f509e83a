// Package netns identifies network namespaces and opens sockets inside of them.
package netns
