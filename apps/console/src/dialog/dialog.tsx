import { Button } from 'react-aria-components/Button';
import { Dialog as AriaDialog, Heading } from 'react-aria-components/Dialog';
import { Modal, ModalOverlay } from 'react-aria-components/Modal';
import { Icon } from '../shell/icon.tsx';

export interface DialogProps {
  readonly title: string;
  readonly onClose: () => void;
  readonly children: React.ReactNode;
  /** From the side, as high as the window: for something to read beside a list. */
  readonly drawer?: boolean;
}

/** Over the page, with the focus held in it and given back; Escape closes it. */
export function Dialog({ title, onClose, children, drawer = false }: DialogProps) {
  return (
    <ModalOverlay
      className={drawer ? 'overlay overlay-side' : 'overlay'}
      isOpen
      isDismissable={drawer}
      onOpenChange={(open) => {
        if (!open) onClose();
      }}
    >
      <Modal className={drawer ? 'modal drawer' : 'modal'}>
        <AriaDialog className="dialog">
          <header className="dialog-head">
            <Heading slot="title">{title}</Heading>
            <Button className="button icon-only quiet" aria-label="Close" onPress={onClose}>
              <Icon name="close" />
            </Button>
          </header>
          <div className="dialog-body">{children}</div>
        </AriaDialog>
      </Modal>
    </ModalOverlay>
  );
}
