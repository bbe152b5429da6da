import { WebSocketGateway } from '@nestjs/websockets';

/** Notifications. A `notification.*` event goes to the one user it names, on every device. Nothing of it can be watched. */
@WebSocketGateway()
export class NotificationsGateway {}
