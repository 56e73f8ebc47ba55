import { readFileSync } from 'node:fs'
import { definitionName, groupOf, listPath, objectPath, type Resource } from '@weir/adapters/kubernetes/resource.js'
import { parseAllDocuments } from 'yaml'
import type { ApiObject } from './api-server.js'
import { resource } from './objects.js'
import type { RealServer } from './real-server.js'

const merge = 'application/merge-patch+json'

const open = { type: 'object', 'x-kubernetes-preserve-unknown-fields': true }

/** Objects of any form, with conditions as Cilium's definitions have them: one of each type, whoever says it. */
const anyWithConditions = {
  ...open,
  properties: {
    status: {
      ...open,
      properties: {
        conditions: {
          type: 'array',
          items: {
            type: 'object',
            required: ['status', 'type'],
            properties: {
              lastTransitionTime: { type: 'string', format: 'date-time' },
              message: { type: 'string' },
              reason: { type: 'string' },
              status: { type: 'string' },
              type: { type: 'string' },
            },
          },
          'x-kubernetes-list-type': 'map',
          'x-kubernetes-list-map-keys': ['type'],
        },
      },
    },
  },
}

/** Objects of a real API server, as those who run a cluster would make them. */
export class RealCluster {
  readonly #server: RealServer

  constructor(server: RealServer) {
    this.#server = server
  }

  /** The agent's role, and a namespace to play in. */
  async prepare(): Promise<void> {
    const text = readFileSync(new URL('../../../../deploy/rbac.yaml', import.meta.url), 'utf8')
    const paths: Readonly<Record<string, string>> = {
      ServiceAccount: '/api/v1/namespaces/kube-system/serviceaccounts',
      ClusterRole: '/apis/rbac.authorization.k8s.io/v1/clusterroles',
      ClusterRoleBinding: '/apis/rbac.authorization.k8s.io/v1/clusterrolebindings',
    }
    await this.namespace('kube-system')
    for (const document of parseAllDocuments(text)) {
      const object = document.toJS() as { readonly kind: string }
      await this.#server.do('POST', paths[object.kind] ?? '', object)
    }
    await this.namespace('shop')
  }

  /** Made unless it is there. */
  async namespace(name: string): Promise<void> {
    const { status } = await this.#server.ask('POST', '/api/v1/namespaces', { metadata: { name } })
    if (status !== 409 && status >= 300) throw new Error(`namespace ${name}: ${status}`)
  }

  async create(of: Resource, object: ApiObject, apiVersion = of.versions[0]): Promise<void> {
    const space = object.metadata.namespace
    const path = listPath(apiVersion, of)
    const within = space === undefined ? path : path.replace(/\/([^/]+)$/, `/namespaces/${space}/$1`)
    await this.#server.do('POST', within, { apiVersion, kind: of.kind, ...object })
  }

  async delete(of: Resource, namespace: string, name: string): Promise<void> {
    const path = objectPath(of.versions[0], of, { namespace, name })
    await this.#server.do('DELETE', path, { gracePeriodSeconds: 0, propagationPolicy: 'Background' })
  }

  /** A pod that runs and has an address. */
  async pod(name: string, address: string, labels: Readonly<Record<string, string>> = { app: name }): Promise<void> {
    await this.create(resource('Pod'), {
      metadata: { name, namespace: 'shop', labels },
      spec: {
        nodeName: 'n1',
        automountServiceAccountToken: false,
        containers: [{ name: 'main', image: 'registry.example/app:1', ports: [{ containerPort: 8080, name: 'http' }] }],
      },
    })
    await this.address(name, address)
  }

  /** What the kubelet would say. */
  async address(name: string, address: string, phase = 'Running'): Promise<void> {
    await this.#server.do(
      'PATCH',
      `/api/v1/namespaces/shop/pods/${name}/status`,
      { status: { phase, podIP: address, podIPs: [{ ip: address }], conditions: [{ type: 'Ready', status: 'True' }] } },
      merge,
    )
  }

  /** Labels of a pod; `undefined` takes one away. */
  async label(name: string, labels: Readonly<Record<string, string | null>>): Promise<void> {
    await this.#server.do('PATCH', `/api/v1/namespaces/shop/pods/${name}`, { metadata: { labels } }, merge)
  }

  async define(of: Resource): Promise<void> {
    const [apiVersion] = of.versions
    await this.#server.do('POST', '/apis/apiextensions.k8s.io/v1/customresourcedefinitions', {
      apiVersion: 'apiextensions.k8s.io/v1',
      kind: 'CustomResourceDefinition',
      metadata: { name: definitionName(of) },
      spec: {
        group: groupOf(apiVersion),
        scope: of.namespaced ? 'Namespaced' : 'Cluster',
        names: { plural: of.plural, kind: of.kind, listKind: `${of.kind}List`, singular: of.kind.toLowerCase() },
        versions: [
          {
            name: apiVersion.slice(apiVersion.indexOf('/') + 1),
            served: true,
            storage: true,
            subresources: { status: {} },
            schema: { openAPIV3Schema: anyWithConditions },
          },
        ],
      },
    })
    // It is served a moment later.
    for (;;) {
      const { status } = await this.#server.ask('GET', listPath(apiVersion, of))
      if (status === 200) return
      await new Promise(resolve => setTimeout(resolve, 50))
    }
  }

  async undefine(of: Resource): Promise<void> {
    const path = `/apis/apiextensions.k8s.io/v1/customresourcedefinitions/${definitionName(of)}`
    await this.#server.do('DELETE', path)
  }

  /** Addresses of all pods, by name. */
  async addresses(): Promise<ReadonlyMap<string, string>> {
    const { items } = (await this.#server.do('GET', '/api/v1/namespaces/shop/pods')) as {
      readonly items?: readonly { metadata: { name: string }; status: { podIP?: string; phase: string } }[]
    }
    return new Map((items ?? []).map(({ metadata, status }) => [metadata.name, status.podIP ?? '']))
  }
}
