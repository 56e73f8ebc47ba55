import { tunnelsOf } from './cluster-tunnels.js'

tunnelsOf('vxlan')
