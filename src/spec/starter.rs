//! A first file for a new machine, with a comment on everything a person may want to change.

use super::wukong::{API_VERSION, KIND};

/// A file for a machine of this name that validates and renders as it is.
///
/// The caller makes sure that `name` is a DNS label of at most 60 characters.
pub fn starter(name: &str) -> String {
    format!(
        "\
# yaml-language-server: $schema=wukong.schema.json
# Editors complete and check this file once the schema lies beside it:
#   kubectl wukong schema > wukong.schema.json
# What each field means: kubectl wukong explain spec.disks
apiVersion: {API_VERSION}
kind: {KIND}
metadata:
  name: {name}
  namespace: default
spec:
  cpu: 2
  memory: 4Gi

  disks:
    # The system disk is imported once and kept when the machine is deleted.
    - name: system
      size: 20Gi
      boot: true
      image: docker://quay.io/containerdisks/ubuntu:24.04
      # image: https://cloud-images.ubuntu.com/noble/current/noble-server-cloudimg-amd64.img
      # storageClassName: longhorn   # without it the cluster's default class decides
    # An empty disk for data.
    - name: data
      size: 50Gi

  # The pod network is there without a word. A second card on a bridge of the nodes:
  # networks:
  #   - name: default
  #   - name: lan
  #     type: bridge
  #     bridgeName: br0
  #     ipConfig:
  #       mode: static
  #       address: 192.168.1.10/24
  #       gateway: 192.168.1.1
  #       dnsServers: [192.168.1.1]

  cloudInitUser:
    name: ubuntu
  # Public keys for that user:
  #   kubectl create secret generic {name}-keys --from-file=key=$HOME/.ssh/id_ed25519.pub
  sshKeySecret: {name}-keys

  highAvailability:
    # Keep machines of this namespace on different nodes where possible.
    antiAffinity: true

  startStrategy:
    autoStart: true
"
    )
}
