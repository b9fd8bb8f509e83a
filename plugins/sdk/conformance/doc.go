// Package conformance is the suite with which a plugin proves that its faults keep the SDK's promises.
package conformance
