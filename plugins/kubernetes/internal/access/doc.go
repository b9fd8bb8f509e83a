// Package access says which permissions are needed, asks whether they are there, and writes the role that has them.
package access
