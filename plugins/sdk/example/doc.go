// Package example is the plugin that docs/plugin-author.md explains: it takes files away and puts them back.
package example
