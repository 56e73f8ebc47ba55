/** What a folder of manifests may hold. Beyond a limit an input is refused, never cut. */
export interface ManifestLimits {
  readonly filesMax: number
  /** Folders looked into, each as often as links lead to it: a link to `/` leads to more than anybody can wait for. */
  readonly foldersMax: number
  readonly fileSizeBytes: number
  readonly documentSizeBytes: number
  readonly objectsPerFileMax: number
  /** Pods that one file's workloads may ask for together. */
  readonly podsPerFileMax: number
  /** Maps and lists inside each other. */
  readonly depthMax: number
  /** Values of one document, with every alias written out. */
  readonly nodesMax: number
}

export const manifestLimits: ManifestLimits = {
  filesMax: 10_000,
  foldersMax: 10_000,
  fileSizeBytes: 64 * 1024 * 1024,
  documentSizeBytes: 1024 * 1024,
  objectsPerFileMax: 10_000,
  podsPerFileMax: 10_000,
  depthMax: 64,
  nodesMax: 500_000,
}
