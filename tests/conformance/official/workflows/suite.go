// Package suite pins what the conformance suite of the distribution specification is built from.
package suite

import (
	_ "github.com/onsi/gomega" // only the suite's own tests import it, which `go mod tidy` does not look at
	_ "github.com/opencontainers/distribution-spec/conformance"
)
