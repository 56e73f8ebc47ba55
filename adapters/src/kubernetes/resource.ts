/** A kind of objects that is followed at the API server. */
export interface Resource {
  readonly kind: string
  /** `networkpolicies` */
  readonly plural: string
  readonly namespaced: boolean
  /** `apiVersion`s that can be read, the one to be read where several are served first. */
  readonly versions: readonly [string, ...string[]]
  /** True for what a cluster has only once somebody has defined it. */
  readonly isCustom: boolean
  /** True when it decides what pods may do: a pod is not told of before all of these are known. */
  readonly decides: boolean
}

const builtIn = (kind: string, plural: string, versions: Resource['versions'], decides: boolean): Resource => ({
  ...{ kind, plural, versions, decides },
  namespaced: kind !== 'Namespace' && kind !== 'Node',
  isCustom: false,
})

const custom = (kind: string, plural: string, versions: Resource['versions'], more: Partial<Resource>): Resource => ({
  ...{ kind, plural, versions, namespaced: false, isCustom: true, decides: true },
  ...more,
})

const clusterPolicies = 'policy.networking.k8s.io'

/** All that the agent follows, in the order in which `weir status` shows it. */
export const resources: readonly Resource[] = [
  builtIn('Namespace', 'namespaces', ['v1'], true),
  builtIn('Node', 'nodes', ['v1'], false),
  builtIn('Pod', 'pods', ['v1'], false),
  builtIn('Service', 'services', ['v1'], false),
  builtIn('EndpointSlice', 'endpointslices', ['discovery.k8s.io/v1', 'discovery.k8s.io/v1beta1'], false),
  builtIn('NetworkPolicy', 'networkpolicies', ['networking.k8s.io/v1'], true),
  custom('CiliumNetworkPolicy', 'ciliumnetworkpolicies', ['cilium.io/v2'], { namespaced: true }),
  custom('CiliumClusterwideNetworkPolicy', 'ciliumclusterwidenetworkpolicies', ['cilium.io/v2'], {}),
  custom('CiliumCIDRGroup', 'ciliumcidrgroups', ['cilium.io/v2', 'cilium.io/v2alpha1'], {}),
  custom('CiliumLocalRedirectPolicy', 'ciliumlocalredirectpolicies', ['cilium.io/v2'], {
    namespaced: true,
    decides: false,
  }),
  custom('CiliumEgressGatewayPolicy', 'ciliumegressgatewaypolicies', ['cilium.io/v2'], { decides: false }),
  custom('ClusterNetworkPolicy', 'clusternetworkpolicies', [`${clusterPolicies}/v1alpha2`], {}),
  custom('AdminNetworkPolicy', 'adminnetworkpolicies', [`${clusterPolicies}/v1alpha1`], {}),
  custom('BaselineAdminNetworkPolicy', 'baselineadminnetworkpolicies', [`${clusterPolicies}/v1alpha1`], {}),
]

/** What defines the custom ones. Only their names are read. */
export const definitions: Resource = {
  kind: 'CustomResourceDefinition',
  plural: 'customresourcedefinitions',
  namespaced: false,
  versions: ['apiextensions.k8s.io/v1'],
  isCustom: false,
  decides: false,
}

/** '' for the group of pods. */
export const groupOf = (apiVersion: string): string =>
  apiVersion.includes('/') ? apiVersion.slice(0, apiVersion.indexOf('/')) : ''

/** The name of the object that defines a custom resource. */
export const definitionName = ({ plural, versions: [first] }: Resource): string => `${plural}.${groupOf(first)}`

/** Where all objects of a kind are: `/apis/networking.k8s.io/v1/networkpolicies`. */
export const listPath = (apiVersion: string, { plural }: Resource): string => `${versionPath(apiVersion)}/${plural}`

/** Where one is. */
export function objectPath(
  apiVersion: string,
  { plural, namespaced }: Resource,
  { namespace, name }: { readonly namespace: string; readonly name: string },
): string {
  const within = namespaced ? `/namespaces/${encodeURIComponent(namespace)}` : ''
  return `${versionPath(apiVersion)}${within}/${plural}/${encodeURIComponent(name)}`
}

const versionPath = (apiVersion: string): string =>
  groupOf(apiVersion) === '' ? `/api/${apiVersion}` : `/apis/${apiVersion}`
