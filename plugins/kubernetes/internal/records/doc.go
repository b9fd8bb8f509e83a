// Package records keeps a ConfigMap in the cluster for each fault that stands, with its whole handle.
package records
