"""QtScheduler: lives in the event loop of a Qt application, with PySide6 or PyQt6; jobs run in threads.

A job must not touch a widget, because only Qt's own thread may; it emits a signal, which Qt brings there.
"""

import sys
import threading

try:
    from PySide6.QtCore import QCoreApplication, QObject, QTimer, Signal
except ImportError:
    from PyQt6.QtCore import QCoreApplication, QObject, QTimer
    from PyQt6.QtCore import pyqtSignal as Signal

from apscheduler.schedulers.qt import QtScheduler


class Panel(QObject):
    """Stands for a window."""

    measured = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        self.measured.connect(self.show)

    def show(self, text: str) -> None:
        """Show what was measured; called in Qt's thread."""
        print(f"{text}, shown in {threading.current_thread().name}")


def measure(panel: Panel) -> None:
    thread = threading.current_thread().name.partition("_")[0]
    panel.measured.emit(f"measured in {thread}")


if __name__ == "__main__":
    application = QCoreApplication(sys.argv)  # in a program with windows: QApplication
    panel = Panel()
    scheduler = QtScheduler()
    scheduler.add_job(measure, "interval", [panel], seconds=0.3)
    scheduler.start()
    application.aboutToQuit.connect(scheduler.shutdown)
    QTimer.singleShot(1000, application.quit)
    sys.exit(application.exec())
