import type { EndpointSliceFact } from '../event/service.js'

/** The addresses of a slice that may carry traffic: of endpoints that are ready, or serve while they end. */
export const usableAddresses = ({ endpoints }: Pick<EndpointSliceFact, 'endpoints'>): readonly string[] =>
  endpoints.flatMap(({ addresses, ready, serving, terminating }) =>
    ready || (serving && terminating) ? addresses : [],
  )
