// Package fabric is the lab's network: named TCP links between its parts, each with a delay and a cut of its own.
package fabric
