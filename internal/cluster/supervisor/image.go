package supervisor

import (
	"archive/tar"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
)

// ownImages are the ones that every real node has: what holds a pod, and a web server to look at.
func (c *Cluster) ownImages() []Image {
	images := []Image{
		{Name: "gameday.test/pause:1", Program: c.program("pause")},
		{Name: "gameday.test/web:1", Program: c.program("web")},
	}
	if c.config.CoreDNS {
		images = append(images, Image{Name: dnsImage, Program: c.program("coredns")})
	}
	return images
}

// archives writes one archive with every image, in the form of docker save, which needs no registry.
func (c *Cluster) archives() (string, error) {
	path := c.layout.file("images.tar")
	file, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return "", fmt.Errorf("writing the images: %w", err)
	}
	defer file.Close()
	if err := writeArchive(file, append(c.ownImages(), c.config.Images...)); err != nil {
		return "", fmt.Errorf("writing the images: %w", err)
	}
	return path, file.Close()
}

// manifest is an element of manifest.json in an archive.
type manifest struct {
	Config   string
	RepoTags []string
	Layers   []string
}

func writeArchive(out io.Writer, images []Image) error {
	archive := tar.NewWriter(out)
	var manifests []manifest
	for _, image := range images {
		manifest, err := writeImage(archive, image)
		if err != nil {
			return fmt.Errorf("image %s: %w", image.Name, err)
		}
		manifests = append(manifests, manifest)
	}
	content, err := json.Marshal(manifests)
	if err != nil {
		return err
	}
	if err := writeFile(archive, "manifest.json", 0o644, content); err != nil {
		return err
	}
	return archive.Close()
}

// writeImage writes an image of one layer, in which there is one program, which is what the image runs.
func writeImage(archive *tar.Writer, image Image) (manifest, error) {
	program, err := os.ReadFile(image.Program)
	if err != nil {
		return manifest{}, err
	}
	name := filepath.Base(image.Program)
	var layer bytes.Buffer
	inside := tar.NewWriter(&layer)
	if err := writeFile(inside, name, 0o755, program); err != nil {
		return manifest{}, err
	}
	if err := inside.Close(); err != nil {
		return manifest{}, err
	}
	config, err := json.Marshal(map[string]any{
		"architecture": "amd64", "os": "linux",
		"config": map[string]any{"Entrypoint": []string{"/" + name}, "WorkingDir": "/", "Env": []string{"PATH=/"}},
		"rootfs": map[string]any{"type": "layers", "diff_ids": []string{"sha256:" + digest(layer.Bytes())}},
	})
	if err != nil {
		return manifest{}, err
	}
	described := manifest{digest(config) + ".json", []string{image.Name}, []string{digest(layer.Bytes()) + ".tar"}}
	if err := writeFile(archive, described.Config, 0o644, config); err != nil {
		return manifest{}, err
	}
	return described, writeFile(archive, described.Layers[0], 0o644, layer.Bytes())
}

func writeFile(archive *tar.Writer, name string, mode int64, content []byte) error {
	if err := archive.WriteHeader(&tar.Header{Name: name, Mode: mode, Size: int64(len(content))}); err != nil {
		return err
	}
	_, err := archive.Write(content)
	return err
}

func digest(content []byte) string {
	sum := sha256.Sum256(content)
	return hex.EncodeToString(sum[:])
}

// load gives a node that has its containerd the images.
func (c *Cluster) load(ctx context.Context, n node, archive string) error {
	socket, err := c.socket(n)
	if err != nil {
		return err
	}
	load := exec.CommandContext(ctx, "ctr", "--address", socket, "--namespace=k8s.io", "images", "import", archive)
	if err := do(load); err != nil {
		return fmt.Errorf("importing images on %s: %w", n.name, err)
	}
	return nil
}

// socket is where the node's containerd listens: through the holder's root, for it is in mounts of the node's own.
func (c *Cluster) socket(n node) (string, error) {
	holder, err := c.find(n.holder())
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("/proc/%d/root/run/containerd/containerd.sock", holder.child.Pid()), nil
}

func (c *Cluster) containerdAnswers(ctx context.Context, n node) error {
	socket, err := c.socket(n)
	if err != nil {
		return err
	}
	return do(exec.CommandContext(ctx, "ctr", "--address", socket, "--namespace=k8s.io", "images", "list", "--quiet"))
}
