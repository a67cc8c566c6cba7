//go:build older

package main

import extv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"

var newer []func() (*extv1.CustomResourceDefinition, error)
