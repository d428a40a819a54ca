"""What the office packages (OOXML, OpenDocument) share: ZIP members, XML trees and text, links, pictures, reports."""
