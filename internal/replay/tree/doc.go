// Package tree reads JSON and YAML that strangers wrote into nodes that know their line, within bounds.
package tree
